-- For wrk: each request is a new batch of BATCH events (100) of some 700 bytes with ids of their own.
local size = tonumber(os.getenv("BATCH") or "100")
local path = os.getenv("INGEST_PATH") or "/v1/sdk/events"
local key = os.getenv("INGEST_KEY") or ""
local threads = 0
local counter = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init()
  math.randomseed(os.time() * 1000 + number * 7919)
  base = string.format("%08x-%04x-4%03x-a%03x", math.random(0, 0x7fffffff), math.random(0, 65535),
    math.random(0, 4095), math.random(0, 4095))
  head = { ["content-type"] = "application/json", ["authorization"] = "Bearer " .. key }
end

local tail = '","sdk":{"name":"js","version":"1.0.0"},"device":{"os":"Mac OS","browser":"Chrome",' ..
  '"user_agent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/120.0.0.0 ' ..
  'Safari/537.36"},"page":{"url":"https://example.com/pricing?utm_source=x","title":"Pricing and plans",' ..
  '"path":"/pricing","referrer":"https://www.google.com/"},"utm":{"source":"google","medium":"cpc"},' ..
  '"locale":{"language":"en-US","timezone":"Europe/Berlin"},' ..
  '"properties":{"plan":"pro","amount":"49.00","currency":"USD","seats":"12","trial":"no","section":"pricing-table"}}'

function request()
  local events = {}
  local now = os.date("!%Y-%m-%dT%H:%M:%SZ")
  for index = 1, size do
    counter = counter + 1
    events[index] = '{"event":"feature_viewed","event_id":"' .. base ..
      string.format("-%012x", counter) .. '","occurred_at":"' .. now ..
      '","participant_id":"user-' .. (counter % 50000) .. tail
  end
  return wrk.format("POST", path, head, '{"events":[' .. table.concat(events, ",") .. "]}")
end
