-- Instead of rspamd's own rules about contents: what its modules expect of them, and then the tree's.
require "global_functions"()

config["regexp"] = {}
rspamd_maps = {}

dofile(rspamd_paths["LOCAL_CONFDIR"] .. "/lua/rspamd.local.lua")
