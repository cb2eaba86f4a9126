-- Mail of people who are logged in is wanted.
rspamd_config.MAILCOW_AUTH = {
  callback = function(task)
    return task:get_user() ~= nil
  end
}
