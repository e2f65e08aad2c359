-- On a Cluster: confirms a login in the index, which is the key, after it was committed to the record. Until then, the
-- session is in no list.
--
-- Arguments: the id, the time of the login, the absolute deadline, the fence or "", the number of sessions beyond
--   which others end or "", the members that have gone
-- Replies: refused, the time and the reason; late, the time; full, the time and the members; applied, the time

local id, at, absolute_until, fence, max = unpack(ARGV)
local member = member_of(tonumber(at), id)
if is_revoked(key, fence) then
  return { 'refused', now, 'revoked' }
elseif not redis.call('ZSCORE', key, member .. '?') or tonumber(at) + UNFINISHED <= now then
  return { 'late', now }
end
for gone = 6, #ARGV do
  redis.call('ZREM', key, ARGV[gone])
end
local others = {}
for _, other in ipairs(redis.call('ZRANGE', key, 0, -1)) do
  if #other == 28 or #other == 29 and unpack_at('>I6', other) + UNFINISHED <= now then
    if sub(other, 7, 28) ~= id then
      others[#others + 1] = other
    else
      -- An earlier login of the same session.
      redis.call('ZREM', key, other)
    end
  end
end
if max ~= '' and #others >= tonumber(max) then
  return { 'full', now, others }
end
keep_index(key, now + SLACK)
file(key, member, tonumber(absolute_until) + SLACK)
redis.call('ZREM', key, member .. '?')
return { 'applied', now }
