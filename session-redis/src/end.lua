-- Ends a session if it belongs to a subject.
--
-- Arguments: the key of the subject, the time of the login or "", "here" or "elsewhere" (the index), and "replaced" if a
--   living session leaves a tombstone
-- Replies: none; applied; both with the time

local login_key, at, place, reason = unpack(ARGV)
base = sub(key, 1, -23)
local value = redis.pcall('GET', key)
local key_of_login, logged_in_at = login_of(value)
if key_of_login ~= login_key or at ~= '' and logged_in_at ~= tonumber(at) then
  return { 'none', now }
end
local was_alive = is_alive(value)
if was_alive and reason == 'replaced' then
  bury(key)
else
  redis.call('UNLINK', key)
end
if place == 'here' then
  redis.call('ZREM', index_of(login_key), member_of(logged_in_at, sub(key, -22)))
end
return { was_alive and 'applied' or 'none', now }
