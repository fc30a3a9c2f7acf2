-- Speaks its arguments and then what was recognized, or says that nothing was.
package.path = freeswitch.getGlobalVariable("script_dir") .. "/?.lua;" .. package.path
local result = require "voxgate_result"

local heard = result.read(session)
freeswitch.consoleLog("notice", "Voxgate: cause " .. heard.cause .. " confidence " .. heard.confidence .. "\n")
if not session:ready() then
  return
end
session:set_tts_params("unimrcp:voxgate", "default")
if heard.cause == "000" then
  session:speak(table.concat(argv, " ") .. " " .. (heard.instance ~= "" and heard.instance or heard.input))
else
  session:speak("I did not understand.")
end
