-- The record of a session, as every verb finds it. This part is put in front of each script.
--
-- One hash keeps it. Fields that begin with "m:" are the store's own, a field "d:NAME" is the
-- top-level field NAME of the data: its revision, a space, its JSON text, which is never parsed.
-- Times and durations are whole milliseconds; nothing exceeds 2^53, up to which Lua counts exactly.
--
--   m:format          "1"; a record of another format is left alone
--   m:secret          the hash of the current secret        m:since           since when
--   m:offer           the hash of an offered secret         m:offered         since when
--                                                           m:offer_grace     from its use on
--   m:previous        the hash of the secret before         m:previous_until  until when
--   m:transport       "cookie" or "other"                   m:subject         if there is one
--   m:idle            how long it lives between requests    m:idle_until      until when
--   m:absolute        how long it lives at most             m:absolute_until  until when
--   m:created         when it was created                   m:commit          the last commit's id
--   m:epoch  m:generation  m:version                        counters
--
-- A script that fails is not rolled back: all that can be wrong is looked at before the first write.

local key = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- A number as text with all of its digits.
local function int(number)
  return string.format('%.0f', number)
end

local NUMBERS = {
  'since', 'idle', 'idle_until', 'absolute', 'absolute_until', 'created', 'epoch', 'generation', 'version',
}

-- One of
--   'none', and whether something is left of a session that has ended;
--   'foreign', why, and the format if it has one;
--   'alive', and the store's own fields.
local function find()
  local kind = redis.call('TYPE', key).ok
  if kind == 'none' then
    return 'none', false
  elseif kind ~= 'hash' then
    return 'foreign', 'the key holds something else than a hash'
  end
  local names = { 'format', 'secret', 'offer', 'offered', 'offer_grace', 'previous', 'previous_until', 'transport',
    'commit', unpack(NUMBERS) }
  local fields = {}
  for at, name in ipairs(names) do
    fields[at] = 'm:' .. name
  end
  local record = {}
  for at, value in ipairs(redis.call('HMGET', key, unpack(fields))) do
    record[names[at]] = value or nil
  end
  if record.format and record.format ~= '1' then
    return 'foreign', 'it has the format of another version of the library', record.format
  end
  if not (record.format and record.secret and record.transport and record.commit) then
    return 'foreign', 'the hash is no session, or only half of one', record.format
  end
  for _, name in ipairs(NUMBERS) do
    record[name] = tonumber(record[name] or '')
    if not record[name] then
      return 'foreign', 'm:' .. name .. ' is no number', record.format
    end
  end
  for _, name in ipairs({ 'offered', 'offer_grace', 'previous_until' }) do
    record[name] = tonumber(record[name] or '0')
    if not record[name] then
      return 'foreign', 'm:' .. name .. ' is no number', record.format
    end
  end
  if now >= math.min(record.idle_until, record.absolute_until) then
    return 'none', true
  end
  return 'alive', record
end

-- Lets the server forget the record at its deadline. It takes no memory, and so is not refused by
-- a full server; what a script writes after it is not refused either.
local function expire(idle_until, absolute_until)
  redis.call('PEXPIREAT', key, int(math.min(idle_until, absolute_until)))
end

-- Calls a command for a list of any length: Lua passes at most some thousand values at once.
local function call_in_parts(command, values)
  for from = 1, #values, 1000 do
    redis.call(command, key, unpack(values, from, math.min(from + 999, #values)))
  end
end

local function everything()
  return redis.call('HGETALL', key)
end
