-- Stores a new record with a login, and files it in the index of its subject.
--
-- Arguments: the value, in which the times are left out; "here" or "elsewhere" (the index), the time of the login or
--   "", the key of the subject, the fence or "", the limit or "", "end" or "refuse"
-- Replies: exists; refused, the time and the reason; applied, the time, the members that ended and the absolute deadline

local value, place, logged_in_at, login_key, fence, max, when_full = unpack(ARGV)
base = sub(key, 1, -23)
if redis.pcall('GET', key) and not is_tombstone(key) then
  return { 'exists', now }
end
local id = sub(key, -22)
local excess, gone
if place == 'here' then
  local refusal
  refusal, excess, gone = admit(login_key, id, fence, max, when_full)
  if refusal then
    return { 'refused', now, refusal }
  end
end
-- Elsewhere, the time of the login is that of the server of the index.
local at = tonumber(logged_in_at) or now
-- The first deadlines, counted from 0.
local idle, absolute = unpack_at('>I6I6', value, 61)
value = sub(value, 1, 36) .. pack('>I6I6', now, at) .. sub(value, 49, 60) .. pack('>I6I6', now + idle, now + absolute)
  .. sub(value, 73, 115) .. pack('>I6I6', at, at) .. sub(value, 128)
redis.call('SET', key, value, 'PXAT', deadline_of(now + idle, now + absolute))
if place ~= 'here' then
  return { 'applied', now, {}, now + absolute }
end
local index = index_of(login_key)
file(index, member_of(at, id), now + absolute)
return { 'applied', now, end_members(index, excess, gone, true), now + absolute }
