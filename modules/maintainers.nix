# For `meta.maintainers` of packages and checks.
[
  {
    name = "The mailnix founders";
  }
]
