-- Applies a change to a live record, atomically.
--
-- Arguments: commit id, epoch, generation
--   data: "none", "some" (the named fields) or "all" (fields that are not named are removed);
--     the number of fields to write, and for each its name, expected revision ("" if absent) and JSON text;
--     the number of fields to remove, and for each its name and expected revision
--   identity: "none", "same" (generation) or "new" (generation); secret; "keep", "set" or "clear"; subject
--   lifetime: "keep", or "set" and the idle and absolute timeouts
-- Replies: applied and the version; repeated or conflict, both with the record; ended

local state, record = find_record()
if state == 'undecodable' then
  return { state, now, record }
elseif state == 'none' then
  return { 'ended', now }
end

local at = 0
local function next_argument()
  at = at + 1
  return ARGV[at]
end

local commit, epoch, generation = next_argument(), tonumber(next_argument()), tonumber(next_argument())
if commit == record['m:commit'] then
  return { 'repeated', now, all_fields() }
elseif generation ~= record['m:generation'] then
  return { 'ended', now }
end

local function revision(field)
  local value = redis.call('HGET', key, field)
  return value and (string.match(value, '^(%d+) ') or 'unreadable') or ''
end

local scope, values, removals, is_current = next_argument(), {}, {}, true
local version = record['m:version']
if scope ~= 'none' then
  local to_write = tonumber(next_argument())
  for _ = 1, to_write do
    local field, base, json = 'd:' .. next_argument(), next_argument(), next_argument()
    is_current = is_current and (scope == 'all' or revision(field) == base)
    values[#values + 1] = field
    values[#values + 1] = int(version + 1) .. ' ' .. json
  end
  local to_remove = tonumber(next_argument())
  for _ = 1, to_remove do
    local field, base = 'd:' .. next_argument(), next_argument()
    is_current = is_current and (scope == 'all' or revision(field) == base)
    removals[#removals + 1] = field
  end
end
local identity, secret, subject_change, subject = next_argument(), next_argument(), next_argument(), next_argument()
if not is_current or (identity ~= 'none' and epoch ~= record['m:epoch']) then
  return { 'conflict', now, all_fields() }
end

if scope == 'all' then
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if string.sub(field, 1, 2) == 'd:' then
      removals[#removals + 1] = field
    end
  end
end

local writes_data, grows = scope == 'all' or #values > 0 or #removals > 0, #values > 0
local function write(field, value)
  values[#values + 1] = 'm:' .. field
  values[#values + 1] = value
end

if writes_data then
  version = version + 1
  write('version', int(version))
end
if identity ~= 'none' then
  write('secret', secret)
  write('since', int(now))
  write('epoch', int(record['m:epoch'] + 1))
  if identity == 'new' then
    write('generation', int(record['m:generation'] + 1))
  end
  for _, field in ipairs({ 'offer', 'offered', 'offer_grace', 'previous', 'previous_until' }) do
    removals[#removals + 1] = 'm:' .. field
  end
  if subject_change == 'set' then
    write('subject', subject)
  elseif subject_change == 'clear' then
    removals[#removals + 1] = 'm:subject'
  end
end

local idle, absolute, absolute_until = record['m:idle'], record['m:absolute'], record['m:absolute_until']
local sets_lifetime = next_argument() == 'set'
if sets_lifetime then
  idle, absolute = tonumber(next_argument()), tonumber(next_argument())
  write('idle', int(idle))
  write('absolute', int(absolute))
end
if sets_lifetime or identity == 'new' then
  absolute_until = now + absolute
  write('absolute_until', int(absolute_until))
end
if #values > 0 or #removals > 0 then
  write('commit', commit)
end
write('idle_until', int(now + idle))

-- A server whose memory is full refuses the first write of a script if it may need memory, and only the first.
-- If fields of the data are written, write the version first, so that the server can refuse. Otherwise begin with
-- the expiry, which is never refused: a new secret or lifetime must be stored. Remove before writing, since a
-- field may be in both lists.
if grows then
  redis.call('HSET', key, 'm:version', int(version))
end
expire(now + idle, absolute_until)
call_in_chunks('HDEL', removals)
call_in_chunks('HSET', values)
return { 'applied', now, int(version) }
