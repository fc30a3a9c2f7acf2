-- The same by events: detect_speech listens in the background while the script does something else, here: speak.
package.path = freeswitch.getGlobalVariable("script_dir") .. "/?.lua;" .. package.path
local result = require "voxgate_result"

local answer = nil

function on_input(session, kind, event)
  if kind ~= "event" then
    return ""
  end
  local speech = event:getHeader("Speech-Type")
  if speech == "begin-speaking" then
    return "break" -- the caller speaks: end the prompt
  elseif speech == "detected-speech" then
    session:setVariable("detect_speech_result", event:getBody() or "")
    answer = result.read(session)
    return "break"
  end
  return ""
end

session:set_tts_params("unimrcp:voxgate", "default")
session:setInputCallback("on_input")
session:execute("detect_speech", "unimrcp:voxgate {start-input-timers=false,no-input-timeout=7000,recognition-timeout=20000}builtin:grammar/digits digits")
session:speak("Please say a few digits.")
if not answer then
  session:execute("detect_speech", "start_input_timers")
end
local waited_ms = 0
while session:ready() and not answer and waited_ms < 30000 do
  session:sleep(200) -- returns at once when an event breaks it
  waited_ms = waited_ms + 200
end
session:execute("detect_speech", "stop")
session:unsetInputCallback()
if session:ready() then
  if answer and answer.cause == "000" then
    session:speak("You said " .. answer.instance)
  else
    session:speak("I did not understand.")
  end
end
