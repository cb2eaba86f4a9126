-- Mailcow's rspamd takes away the first X-Spam-Flag of a mail that comes in, and a sender may have written two: whoever
-- reads the header (the Junk filter, mails that are handed on) would believe the second. Here all of them go, before
-- rspamd's own is put in.
rspamd_config:register_symbol({
  name = 'MAILNIX_SPAM_FLAG',
  type = 'idempotent',
  flags = 'empty,explicit_disable,ignore_passthrough',
  callback = function(task)
    task:set_milter_reply({ remove_headers = { ['X-Spam-Flag'] = 0 } })
  end,
})
-- The last word counts.
rspamd_config:register_dependency('MAILNIX_SPAM_FLAG', 'MILTER_HEADERS')
