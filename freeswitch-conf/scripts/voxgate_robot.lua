-- One robot call:  lua voxgate_robot.lua FLOW LANGUAGE
--
-- Each turn speaks what the dialog service has to say and listens for the answer at the same time, so that the caller can
-- interrupt; the result tells what to do next: go on, transfer the caller, or hang up. The conversation is this channel
-- (its UUID); it ends with the call.
package.path = freeswitch.getGlobalVariable("script_dir") .. "/?.lua;" .. package.path
local result = require "voxgate_result"

local flow = argv[1] or "follow-up"
local language = argv[2] or "en-US"

local NO_INPUT_TIMEOUT_MS = 7000
local RECOGNITION_TIMEOUT_MS = 30000
-- Where the flow transfers urgent calls to: the call variable "nurse".
local NURSE = "8820"
-- Turns in a row without an answer before the call is given up. The conversation gives up earlier by itself.
local PATIENCE = 4

local function log(line)
  freeswitch.consoleLog("notice", "Voxgate: " .. line .. "\n")
end

local function encoded(value)
  return (value:gsub("[^%w%-%._~]", function(c) return string.format("%%%02X", c:byte()) end))
end

local query = "conversation=" .. session:get_uuid()
  .. "&flow=" .. encoded(flow)
  .. "&language=" .. encoded(language)
  .. "&var.nurse=" .. NURSE
  .. "&var.caller=" .. encoded(session:getVariable("caller_id_number") or "")

session:answer()
session:setVariable("tts_engine", "unimrcp:voxgate")
session:setVariable("tts_voice", "default")
-- The keys belong to the recognizer: by default a star would end the prompt, and the recognition with it.
session:setVariable("playback_terminators", "none")
-- Not cache_speech_handles: after an interrupted prompt mod_unimrcp would drop the next one without a word.
session:setVariable("cache_speech_handles", "false")

local turn = "say:dialog:reply?" .. query
  .. " detect:unimrcp:voxgate {start-input-timers=false"
  .. ",no-input-timeout=" .. NO_INPUT_TIMEOUT_MS
  .. ",recognition-timeout=" .. RECOGNITION_TIMEOUT_MS
  .. ",speech-language=" .. language
  .. "}builtin:speech/dialog?" .. query .. "&instance=json"

local unanswered = 0
while session:ready() do
  session:execute("play_and_detect_speech", turn)
  local response = session:getVariable("current_application_response") or ""
  if not session:ready() then
    break
  end
  if response ~= "DONE" then
    log("play_and_detect_speech: " .. response)
    break
  end

  local heard = result.read(session)
  if heard.cause ~= "000" or not heard.values then
    -- 001 nothing understood, 002 nothing said, 003 and 015 said too much: the conversation knows, and its next words fit.
    log("no answer, cause " .. heard.cause)
    unanswered = unanswered + 1
    if heard.cause == "" or unanswered >= PATIENCE then
      break
    end
  else
    unanswered = 0
    local action = heard.values.action or "continue"
    log("turn " .. tostring(heard.values.turn) .. " action " .. action)
    if action == "hangup" then
      break
    elseif action == "transfer" then
      -- Only digits: what a service sends never chooses a context or an endpoint.
      local target = tostring(heard.values.target or ""):gsub("%D", "")
      if target ~= "" then
        log("transfer to " .. target)
        session:execute("detect_speech", "stop")
        session:execute("transfer", target .. " XML " .. (session:getVariable("context") or "default"))
        return
      end
      break
    elseif action ~= "continue" then
      -- An action of the dialog service's own: do here what it means to you; its parameters are in heard.values.params.
      log("no such action in this script: " .. action)
    end
  end
end

if session:ready() then
  session:execute("detect_speech", "stop")
  session:hangup("NORMAL_CLEARING")
end
