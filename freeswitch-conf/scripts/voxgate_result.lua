-- Reads what a recognition left in the channel variable detect_speech_result. Used by the other scripts:
--     local result = require "voxgate_result"
--     local turn = result.read(session)
-- FreeSWITCH does not look into the result: the variable is the NLSML document that Voxgate sent, or, when there was
-- nothing to send, a line like "Completion-Cause: 002".

local result = {}

local function text_of(xml)
  local inner = xml:match("^%s*<!%[CDATA%[(.-)%]%]>%s*$")
  if inner then
    return inner
  end
  local named = { lt = "<", gt = ">", quot = '"', apos = "'", amp = "&" }
  xml = xml:gsub("&#x(%x+);", function(hex) return utf8 and utf8.char(tonumber(hex, 16)) or "?" end)
  xml = xml:gsub("&#(%d+);", function(dec) return utf8 and utf8.char(tonumber(dec)) or "?" end)
  return (xml:gsub("&(%a+);", named))
end

-- Decodes a JSON text, or nil.
local function decoded(text)
  if not text:match("^%s*{") then
    return nil
  end
  local ok, value = pcall(function()
    local json = freeswitch.JSON()
    return json:decode(text)
  end)
  if ok and type(value) == "table" then
    return value
  end
  return nil
end

-- What was recognized: a table with
--   cause      "000" when something was, else the three digits of the completion cause, or "" when there was no recognition
--   input      the words or keys, as heard
--   instance   the meaning, as text
--   values     the meaning, as a table, when it is JSON (conversations: transcript, action, turn, slots …)
--   confidence 0 to 1
function result.read(session)
  local body = session:getVariable("detect_speech_result") or ""
  if body:find("<[%w:]*nomatch") then
    return { cause = "001", input = "", instance = "", confidence = 0 }
  end
  local interpretation = body:match("<[%w:]*interpretation.->(.-)</[%w:]*interpretation>")
  if not interpretation then
    return { cause = body:match("Completion%-Cause:%s*(%d+)") or "", input = "", instance = "", confidence = 0 }
  end
  local found = {
    cause = "000",
    input = text_of(interpretation:match("<[%w:]*input[^>]*>(.-)</[%w:]*input>") or ""),
    instance = text_of(interpretation:match("<[%w:]*instance[^>]*>(.-)</[%w:]*instance>") or ""),
    confidence = tonumber(body:match('<[%w:]*interpretation[^>]-confidence="([%d.]+)"') or "") or 0,
  }
  found.values = decoded(found.instance)
  return found
end

return result
