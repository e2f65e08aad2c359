-- The record of a session. This part precedes each script.
--
-- A record is one hash. Fields "m:NAME" are metadata of the store. A field "d:NAME" is the top-level field NAME
-- of the data: its revision, a space, its JSON text, which is never parsed here. Times and durations are whole
-- milliseconds, below 2^53, up to which Lua's numbers are exact.
--
--   m:format          "1"; a record with another format is left unchanged
--   m:secret          hash of the current secret            m:since           when it became current
--   m:offer           hash of an offered secret             m:offered         when it was offered
--                                                           m:offer_grace     grace period of the secret it replaces
--   m:previous        hash of the previous secret           m:previous_until  accepted until
--   m:transport       "cookie" or "other"                   m:subject         if the session has one
--   m:idle            idle timeout                          m:idle_until      idle deadline
--   m:absolute        absolute timeout                      m:absolute_until  absolute deadline
--   m:created         time of creation                      m:commit          id of the last commit
--   m:epoch  m:generation  m:version                        counters
--
-- Redis does not roll back a script that fails, so everything that can fail is checked before the first write.

local key = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- A number as text, without an exponent.
local function int(number)
  return string.format('%.0f', number)
end

-- The metadata, in this order: REQUIRED_NUMBERS numbers that every record has, then optional ones (NUMBERS in
-- total), then texts.
local META_FIELDS = {
  'm:since', 'm:idle', 'm:idle_until', 'm:absolute', 'm:absolute_until', 'm:created', 'm:epoch', 'm:generation',
  'm:version', 'm:offered', 'm:offer_grace', 'm:previous_until', 'm:format', 'm:secret', 'm:transport', 'm:commit',
  'm:offer', 'm:previous',
}
local REQUIRED_NUMBERS, NUMBERS = 9, 12

local function all_fields()
  return redis.call('HGETALL', key)
end

-- Reads the record. Returns one of
--   'none', and whether the key still holds a session that has ended;
--   'undecodable', the reason, and the format if there is one;
--   'alive', and the metadata by field name. If the secret is one of the record's, the data is included, and the
--   third value is the reply of HGETALL. With any other secret only the metadata is read, so that a guess costs
--   the same however large the record is.
local function find_record(secret)
  local kind = redis.call('TYPE', key).ok
  if kind == 'none' then
    return 'none', false
  elseif kind ~= 'hash' then
    return 'undecodable', 'the key does not hold a hash'
  end
  local record, raw_fields = {}, nil
  local secrets = secret and redis.call('HMGET', key, 'm:secret', 'm:offer', 'm:previous') or {}
  if secret and (secret == secrets[1] or secret == secrets[2] or secret == secrets[3]) then
    raw_fields = all_fields()
    for at = 1, #raw_fields, 2 do
      -- Without the fields of the data, of which there may be many.
      if string.byte(raw_fields[at]) == 109 then
        record[raw_fields[at]] = raw_fields[at + 1]
      end
    end
  else
    for at, value in ipairs(redis.call('HMGET', key, unpack(META_FIELDS))) do
      record[META_FIELDS[at]] = value or nil
    end
  end
  local format = record['m:format']
  if format and format ~= '1' then
    return 'undecodable', 'it has the format of another version of this library', format
  end
  if not (format and record['m:secret'] and record['m:transport'] and record['m:commit']) then
    return 'undecodable', 'the hash is not a complete session', format
  end
  for at = 1, NUMBERS do
    local name = META_FIELDS[at]
    local number = tonumber(record[name] or (at > REQUIRED_NUMBERS and 0))
    if not number then
      return 'undecodable', name .. ' is not a number', format
    end
    record[name] = number
  end
  if now >= math.min(record['m:idle_until'], record['m:absolute_until']) then
    return 'none', true
  end
  return 'alive', record, raw_fields
end

-- Sets the expiry of the key to the record's deadline. A server whose memory is full accepts this command, and
-- after it every further write of the same script.
local function expire(idle_until, absolute_until)
  redis.call('PEXPIREAT', key, int(math.min(idle_until, absolute_until)))
end

-- Calls a command with a list of any length, in chunks: unpack is limited to some thousand values.
local function call_in_chunks(command, values)
  for from = 1, #values, 1000 do
    redis.call(command, key, unpack(values, from, math.min(from + 999, #values)))
  end
end
