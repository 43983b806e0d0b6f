# Sends every text back to the session it came from. `bundle exec ruby echo_bot.rb --help`
require_relative "internal_ws"

given = InternalWs.flags
InternalWs::Client.new(given["url"], given["internal-token-file"]) do |message, reply|
  InternalWs.log("session #{message["session_id"]}: #{message["content"].length} characters")
  reply.call(message["content"])
end.run
