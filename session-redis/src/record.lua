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

-- The store's own fields: numbers that every record has, up to ALWAYS; numbers that few have, up to SELDOM; texts.
local OWN = {
  'm:since', 'm:idle', 'm:idle_until', 'm:absolute', 'm:absolute_until', 'm:created', 'm:epoch', 'm:generation',
  'm:version', 'm:offered', 'm:offer_grace', 'm:previous_until', 'm:format', 'm:secret', 'm:transport', 'm:commit',
  'm:offer', 'm:previous',
}
local ALWAYS, SELDOM = 9, 12

local function everything()
  return redis.call('HGETALL', key)
end

-- One of
--   'none', and whether something is left of a session that has ended;
--   'foreign', why, and the format if it has one;
--   'alive', and its fields by their names: the store's own. Whoever has a secret of the record is shown all of
--   them, also as the server lists them; a guess must not cost what a large record costs.
local function find(secret)
  local kind = redis.call('TYPE', key).ok
  if kind == 'none' then
    return 'none', false
  elseif kind ~= 'hash' then
    return 'foreign', 'the key holds something else than a hash'
  end
  local record, listed = {}, nil
  local secrets = secret and redis.call('HMGET', key, 'm:secret', 'm:offer', 'm:previous') or {}
  if secret and (secret == secrets[1] or secret == secrets[2] or secret == secrets[3]) then
    listed = everything()
    for at = 1, #listed, 2 do
      record[listed[at]] = listed[at + 1]
    end
  else
    for at, value in ipairs(redis.call('HMGET', key, unpack(OWN))) do
      record[OWN[at]] = value or nil
    end
  end
  local format = record['m:format']
  if format and format ~= '1' then
    return 'foreign', 'it has the format of another version of the library', format
  end
  if not (format and record['m:secret'] and record['m:transport'] and record['m:commit']) then
    return 'foreign', 'the hash is no session, or only half of one', format
  end
  for at = 1, SELDOM do
    local name = OWN[at]
    local number = tonumber(record[name] or (at > ALWAYS and 0))
    if not number then
      return 'foreign', name .. ' is no number', format
    end
    record[name] = number
  end
  if now >= math.min(record['m:idle_until'], record['m:absolute_until']) then
    return 'none', true
  end
  return 'alive', record, listed
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
