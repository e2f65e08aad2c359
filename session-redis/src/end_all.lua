-- Raises the mark of a subject, and ends its sessions, some hundreds at a time. The key is the index.
--
-- Arguments: the id of a session that stays or "", how long the mark is kept, and the latest login that ends, from the
--   reply before; "" in the first call
-- Replies: applied, the time, the members that ended, how many are left, the latest login that ends

local STEP = 500
local spared, kept, latest = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
base = sub(key, 1, -46)
local login_key = sub(key, -43)
local members = redis.call('ZRANGE', key, 0, -1)
if not latest then
  raise_mark(key, kept)
  latest = now
  for _, member in ipairs(members) do
    if #member == 28 then
      latest = math.max(latest, (unpack_at('>I6', member)))
    end
  end
end
local living, gone, left = {}, {}, 0
for _, member in ipairs(members) do
  if #member == 28 and sub(member, 7) ~= spared then
    local logged_in_at = unpack_at('>I6', member)
    if logged_in_at > latest then
      -- It logged in afterwards.
    elseif #living + #gone == STEP then
      left = left + 1
    else
      local list = lives(login_key, member) and living or gone
      list[#list + 1] = { logged_in_at, member }
    end
  end
end
return { 'applied', now, end_members(key, living, gone), left, latest }
