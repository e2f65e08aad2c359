-- Applies a change to a live record, atomically, if the parts of its stamp that the change is based on still
-- stand. Otherwise replies with the record, and the program decides.
--
-- Arguments: commit id, generation, epoch or "", version or "",
--   the new fields and "set", or "" and "keep"
--   identity: the new secret or "", "new" or "same" (generation)
--   the login section, in which the times are left out, or "", and "set", "clear", "authenticate" or "keep"
--   lifetime: the idle and the absolute timeout, or ""
--   if one is not 1, or more follows: the version of new data, and the latest one into whose records it may be written
--   if the login, the label or the absolute deadline may change; `logins.lua` is then a part of the script:
--   "here" or "elsewhere" (the index), the new level or "", the label and "set", or "" and "keep",
--   the time of the login or "", the key of its subject, the fence or "", the limit or "", "end" or "refuse",
--   the member whose deadline has been moved elsewhere, or "", and until when that of a login is kept there, or ""
-- Replies: ended; record, the time and the value; applied, the time and the version, and with `logins.lua` the members
--   that ended and the absolute deadline; refused, the time and the reason; elsewhere, the time, and which subject's
--   member has to get which deadline first

local value = redis.pcall('GET', key)
if type(value) == 'table' then
  return is_tombstone(key) and { 'ended', now } or value
elseif not value then
  return { 'ended', now }
end
local commit_id, generation, epoch, version, fields, fields_change, new_secret, generation_change, login, login_change,
  new_lifetime, written_version, current_version, place = unpack(ARGV)

if not is_record(value) then
  return { 'record', now, value }
end
local stamp = stamp_of(value)
local idle_until, absolute_until = unpack_at('>I6I6', value, 61)
local is_current = sub(value, stamp, stamp + 15) ~= commit_id
  and (epoch == '' or sub(value, stamp + 16, stamp + 19) == epoch)
  and sub(value, stamp + 20, stamp + 23) == generation
  and (version == '' or sub(value, stamp + 28, stamp + 33) == version)
  and (fields_change == 'keep' or unpack_at('>I4', value, stamp + 24) <= tonumber(current_version or 1))
  and now < idle_until and now < absolute_until
-- The sections of a login and of other parts.
local login_end = stamp + 37 + unpack_at('>I4', value, stamp + 34)
local parts_end = login_end + 4 <= #value and login_end + 4 + unpack_at('>I4', value, login_end + 1) or math.huge
if not is_current or parts_end > #value then
  return { 'record', now, value }
end

-- The secrets, up to the other ones.
local head, others = sub(value, 5, 48), sub(value, OTHERS, stamp - 1)
local counters = sub(value, stamp + 16, stamp + 27)
if new_secret ~= '' then
  head = new_secret .. pack('>I6', now) .. sub(value, 43, 48)
  others = ''
  local by = generation_change == 'new' and 1 or 0
  local old_epoch, old_generation = unpack_at('>I4I4', counters)
  counters = pack('>I4I4', (old_epoch + 1) % 2 ^ 32, (old_generation + by) % 2 ^ 32) .. sub(counters, 9)
end
local lifetime = new_lifetime ~= '' and new_lifetime or sub(value, 49, 60)
local idle, absolute = unpack_at('>I6I6', lifetime)
idle_until = awaits_first_use(value) and math.min(idle_until, now + idle) or now + idle
local moves = new_lifetime ~= '' or generation_change == 'new'
if moves then
  absolute_until = now + absolute
end
local new_version = unpack_at('>I6', value, stamp + 28)
if fields_change == 'set' then
  new_version = new_version + 1
  counters = sub(counters, 1, 8) .. (written_version or '\0\0\0\0')
else
  fields = sub(value, parts_end + 1)
end
local sections = sub(value, stamp + 34, parts_end)
local old_index, old_member, index, member, excess, gone
if place then
  local level, label, label_change, logged_in_at, login_key, fence, max, when_full, moved, moved_until = unpack(ARGV, 15)
  local id = sub(key, -22)
  base = sub(key, 1, -23)
  local old_login, parts = sub(value, stamp + 38, login_end), sub(value, login_end + 5, parts_end)
  local old_key, old_at = login_of(value)
  if old_key then
    old_index, old_member = index_of(old_key), member_of(old_at, id)
  end
  if login_change == 'set' then
    local at = tonumber(logged_in_at) or now
    login = sub(login, 1, 5) .. pack('>I6I6', at, at) .. sub(login, 18)
    index, member = index_of(login_key), member_of(at, id)
    -- The member may have to be found for as long as the session lives, if the login is never confirmed.
    if place == 'elsewhere' and absolute_until > tonumber(moved_until) + SLACK then
      return { 'elsewhere', now, login_key, member .. '?', absolute_until }
    end
  elseif login_change == 'clear' then
    parts = without(parts, LABEL)
  else
    index, member = old_index, old_member
    login = old_login
    local proof = find_entry(login, 1, #login, PROOF)
    if login_change == 'authenticate' and proof then
      local new_level = level == '' and sub(login, proof + 12, proof + 12) or string.char(level)
      login = sub(login, 1, proof + 5) .. pack('>I6', now) .. new_level .. sub(login, proof + 13)
    end
    if place == 'elsewhere' and member and moves and member ~= moved then
      return { 'elsewhere', now, old_key, member, absolute_until }
    end
  end
  if label_change == 'set' then
    parts = without(parts, LABEL)
    if label ~= '' then
      parts = parts .. pack('>BI4', LABEL, #label) .. label
    end
  end
  sections = pack('>I4', #login) .. login .. pack('>I4', #parts) .. parts
  if place == 'here' and old_index then
    -- Fails now, and not after a write, if the index is something else.
    redis.call('ZSCORE', old_index, 'mark')
  end
  if place == 'here' and login_change == 'set' then
    local refusal
    refusal, excess, gone = admit(login_key, id, fence, max, when_full)
    if refusal then
      return { 'refused', now, refusal }
    end
  end
end

local new_value = sub(value, 1, 3) .. string.char(#others) .. head .. lifetime
  .. pack('>I6I6', idle_until, absolute_until) .. others .. commit_id .. counters .. pack('>I6', new_version)
  .. sections .. fields
local deadline = deadline_of(idle_until, absolute_until)
local set = redis.pcall('SET', key, new_value, 'PXAT', deadline)
if set.err and (fields_change == 'keep' or #new_value <= #value) then
  -- A server whose memory is full refuses the first write of a script if it may need memory, and only the first.
  -- It accepts this one: a new secret or lifetime must be stored, and data may shrink.
  redis.call('PEXPIREAT', key, deadline)
  set = redis.pcall('SET', key, new_value, 'PXAT', deadline)
end
if set.err then
  return set
end
if not place then
  return { 'applied', now, new_version }
end

local ended
if place == 'here' then
  if old_member and (old_member ~= member or old_index ~= index) then
    redis.call('ZREM', old_index, old_member)
  end
  if member and (moves or login_change == 'set') then
    file(index, member, absolute_until)
  end
  ended = excess and end_members(index, excess, gone, true)
end
return { 'applied', now, new_version, ended or {}, absolute_until }
