-- Removes the record. A record that cannot be decoded is removed too if it has "m:format", whichever version
-- wrote it: a logout must take effect.
--
-- Replies: destroyed, and 1 if there was a session, otherwise 0

local state, found, format = find_record()
if state == 'undecodable' and not format then
  return { state, now, found }
end
redis.call('UNLINK', key)
return { 'destroyed', now, (state == 'alive' or state == 'undecodable') and 1 or 0 }
