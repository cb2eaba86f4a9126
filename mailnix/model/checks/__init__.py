"""What `mailnix.model.check` looks for, a file for each kind of mistake."""
