-- The logins in records, and the index of the sessions of each subject: a sorted set, whose name ends with the
-- subject's key. A member is the time of a login in six bytes, and the id as in the name of the session's key. Its
-- score is the absolute deadline, so that entries of ended sessions can be dropped without a look at the sessions.
-- On a Cluster, the member of a login that is not confirmed has one more byte.
-- The score of the member `mark` is the revocation mark, in microseconds: greater than any deadline.
--
-- This part follows `record.lua` in the scripts that concern logins.

-- The tags of entries, see `login_section.rs`.
local INDEX_KEY, PROOF, LABEL = 2, 3, 1
-- Clocks may differ by less than this.
local SLACK = 60000
-- How long a login on a Cluster may take from its admission to its confirmation.
local UNFINISHED = 30000
-- How long a tombstone is kept at most: a day.
local TOMBSTONE = 86400000

-- What precedes the id in the names of the sessions' keys. Each script sets it.
local base

local function index_of(login_key)
  return base .. 'u:' .. login_key
end

local function member_of(logged_in_at, id)
  return pack('>I6', logged_in_at) .. id
end

-- Where the content of an entry begins and ends, between two positions; nothing if there is none.
local function find_entry(value, from, to, tag)
  while from + 4 <= to do
    local entry_tag, length = unpack_at('>BI4', value, from)
    local last = from + 4 + length
    if last > to then
      return
    elseif entry_tag == tag then
      return from + 5, last
    end
    from = last + 1
  end
end

-- A section without the entry of this tag.
local function without(section, tag)
  local first, last = find_entry(section, 1, #section, tag)
  return first and sub(section, 1, first - 6) .. sub(section, last + 1) or section
end

-- The key of the subject and the time of the login; nothing if this is no record with a login.
local function login_of(value)
  if type(value) ~= 'string' or not is_record(value) then
    return
  end
  local from = stamp_of(value) + 38
  local to = math.min(from - 1 + unpack_at('>I4', value, from - 4), #value)
  local first, last = find_entry(value, from, to, INDEX_KEY)
  local proof = find_entry(value, from, to, PROOF)
  if first and proof then
    return sub(value, first, last), (unpack_at('>I6', value, proof))
  end
end

local function is_alive(value)
  local idle_until, absolute_until = unpack_at('>I6I6', value, 61)
  return now < idle_until and now < absolute_until
end

-- Whether a member of an index is a session that lives. Reads without failing, whatever the key holds.
local function lives(login_key, member)
  local value = redis.pcall('GET', base .. sub(member, 7))
  local key_of_login, logged_in_at = login_of(value)
  if key_of_login ~= login_key or logged_in_at ~= unpack_at('>I6', member) then
    return false
  end
  return is_alive(value)
end

-- Whether the mark does not accept a fence. A mark that was forgotten accepts each but `never`.
local function is_revoked(index, fence)
  local mark = tonumber(redis.call('ZSCORE', index, 'mark') or 0)
  return fence == 'never' or fence ~= '' and mark ~= 0 and tonumber(fence) ~= mark
end

-- Decides whether a login is accepted. Writes nothing; fails if the index is something else. Returns the reason of a
-- refusal, or nothing, the members that have to go and those that have gone.
local function admit(login_key, id, fence, max, when_full)
  local index = index_of(login_key)
  if is_revoked(index, fence) then
    return 'revoked'
  end
  local others, gone = {}, {}
  max = tonumber(max)
  if not max then
    return nil, others, gone
  end
  local members = redis.call('ZRANGE', index, 0, -1)
  if #members < max then
    return nil, others, gone
  end
  for _, member in ipairs(members) do
    if #member == 28 and sub(member, 7) ~= id then
      local list = lives(login_key, member) and others or gone
      list[#list + 1] = { unpack_at('>I6', member), member }
    end
  end
  local excess = #others + 1 - max
  if excess > 0 and when_full == 'refuse' then
    return 'full'
  end
  table.sort(others, function(one, other)
    return one[1] < other[1] or one[1] == other[1] and sub(one[2], 7) < sub(other[2], 7)
  end)
  for at = #others, math.max(excess, 0) + 1, -1 do
    others[at] = nil
  end
  return nil, others, gone
end

-- Keeps an index until this time at least. A server whose memory is full accepts this as the first write of a script,
-- and then all others.
local function keep_index(index, deadline)
  deadline = string.format('%.0f', deadline)
  redis.call('PEXPIREAT', index, deadline, 'NX')
  redis.call('PEXPIREAT', index, deadline, 'GT')
end

-- Adds a member, or moves its deadline, and drops those whose deadline has passed.
local function file(index, member, absolute_until)
  redis.call('ZADD', index, string.format('%.0f', absolute_until), member)
  keep_index(index, absolute_until + SLACK)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', string.format('(%.0f', now - SLACK))
end

-- Calls a command with the elements of a list, which may be too many for one call.
local function call_with(command, key, list)
  for from = 1, #list, 500 do
    local to = math.min(from + 499, #list)
    if key then
      redis.call(command, key, unpack(list, from, to))
    else
      redis.call(command, unpack(list, from, to))
    end
  end
end

-- Ends a session, and leaves a tombstone: a sorted set, whose members are those who may know why it ended, each the
-- flags of the record and the hash of a secret. Their score is the time until which it is kept.
local function bury(name)
  local value = redis.call('GET', name)
  local stamp, absolute_until = stamp_of(value), unpack_at('>I6', value, 67)
  local kept_until = string.format('%.0f', math.min(now + TOMBSTONE, absolute_until))
  local members, others = { sub(value, 5, 36) }, stamp - OTHERS
  if others == 44 or others == 82 then
    members[#members + 1] = sub(value, OTHERS, OTHERS + 31)
  end
  if (others == 38 or others == 82) and now < unpack_at('>I6', value, stamp - 6) then
    members[#members + 1] = sub(value, stamp - 38, stamp - 7)
  end
  redis.call('UNLINK', name)
  for _, secret in ipairs(members) do
    redis.call('ZADD', name, kept_until, sub(value, 3, 3) .. secret)
  end
  redis.call('PEXPIREAT', name, kept_until)
end

-- Ends the sessions of members that live, which leave tombstones if they are replaced, and drops those that have gone.
-- Returns the former.
local function end_members(index, living, gone, are_replaced)
  local ended, keys, dropped = {}, {}, {}
  for at, entry in ipairs(living) do
    ended[at] = entry[2]
    keys[at] = base .. sub(entry[2], 7)
    dropped[at] = entry[2]
  end
  for _, entry in ipairs(gone) do
    dropped[#dropped + 1] = entry[2]
  end
  if are_replaced then
    for _, name in ipairs(keys) do
      bury(name)
    end
  else
    call_with('UNLINK', nil, keys)
  end
  call_with('ZREM', index, dropped)
  return ended
end

local function raise_mark(index, kept)
  local mark = tonumber(redis.call('ZSCORE', index, 'mark') or 0) + 1
  keep_index(index, now + kept)
  redis.call('ZADD', index, string.format('%.0f', math.max(mark, now * 1000)), 'mark')
  keep_index(index, now + kept)
end
