-- Ends a session if it belongs to a subject.
--
-- Arguments: the key of the subject, the time of the login or "", "here" or "elsewhere" (the index)
-- Replies: none; applied; both with the time

local login_key, at, place = unpack(ARGV)
base = sub(key, 1, -23)
local value = redis.pcall('GET', key)
local key_of_login, logged_in_at = login_of(value)
if key_of_login ~= login_key or at ~= '' and logged_in_at ~= tonumber(at) then
  return { 'none', now }
end
redis.call('UNLINK', key)
if place == 'here' then
  redis.call('ZREM', index_of(login_key), member_of(logged_in_at, sub(key, -22)))
end
return { is_alive(value) and 'applied' or 'none', now }
