# Sends every text to a language model and the model's answer back to the session.
#
#   bundle lock --local
#   bundle exec ruby internal_ws_client.rb --openai-api-key-fn=.openai_key
require_relative "internal_ws"
require "net/http"

ANSWER_TIMEOUT_S = 60
MOST_REMEMBERED = 20 # messages of one conversation
MOST_CONVERSATIONS = 1000 # the one not used for longest is forgotten first

# Asks any service with chat completions.
class Model
  def initialize(given)
    @endpoint = URI("#{given["base-url"].sub(%r{/+\z}, "")}/chat/completions")
    @key = InternalWs.read_secret(given["openai-api-key-fn"])
    @name = given["model"]
    @first = { role: "system", content: given["system-prompt"] }
  end

  # Blocks until the answer is there.
  def complete(messages)
    response = Net::HTTP.start(@endpoint.host, @endpoint.port, use_ssl: @endpoint.scheme == "https",
                                                               read_timeout: ANSWER_TIMEOUT_S) do |http|
      http.post(@endpoint.request_uri, { model: @name, messages: [@first, *messages] }.to_json,
                "Content-Type" => "application/json", "Authorization" => "Bearer #{@key}")
    end
    raise "#{@endpoint} answered #{response.code}" unless response.is_a?(Net::HTTPSuccess)

    text = JSON.parse(response.body).dig("choices", 0, "message", "content").to_s
    text.empty? ? raise("the model answered nothing") : text
  end
end

# What was said in one session. One turn at a time: the answers come in the order of the questions.
class Conversation
  def initialize(model, session_id)
    @model = model
    @session_id = session_id
    @messages = []
    @waiting = []
  end

  def ask(content, reply)
    @waiting.push([{ role: "user", content: content }, reply])
    next_turn if @waiting.size == 1
  end

  private

  # The model is asked in a thread of the event loop's pool; everything else happens in the loop.
  def next_turn
    question, reply = @waiting.first
    return unless question

    asked = [*@messages, question]
    EM.defer(-> { @model.complete(asked) }, ->(text) { answered(question, reply, text) }, ->(e) { failed(reply, e) })
  end

  def answered(question, reply, text)
    @messages = [*@messages, question, { role: "assistant", content: text }].last(MOST_REMEMBERED)
    InternalWs.log("session #{@session_id}: answered with #{text.length} characters")
    finish(reply, text)
  end

  def failed(reply, error)
    InternalWs.log("a message could not be answered: #{error.message}")
    finish(reply, "Sorry, I cannot answer right now. Please try again later.")
  end

  def finish(reply, text)
    reply.call(text)
    @waiting.shift
    next_turn
  end
end

given = InternalWs.flags(
  "openai-api-key-fn" => nil, "base-url" => "https://api.openai.com/v1", "model" => "gpt-4o-mini",
  "system-prompt" => "You answer visitors of a web site, in a few sentences."
) do |parser|
  parser.on("--openai-api-key-fn FILE", "file with the API key")
  parser.on("--base-url URL", "of any service with chat completions (https://api.openai.com/v1)")
  parser.on("--model NAME", "(gpt-4o-mini)")
  parser.on("--system-prompt TEXT", "what the model is told first")
end
unless given["openai-api-key-fn"]
  warn("--openai-api-key-fn is needed; --help shows all flags")
  exit(2)
end

model = Model.new(given)
conversations = {} # session id => Conversation, least recently used first
InternalWs::Client.new(given["url"], given["internal-token-file"]) do |message, reply|
  id = message["session_id"]
  conversations[id] = conversations.delete(id) || Conversation.new(model, id)
  conversations.shift if conversations.size > MOST_CONVERSATIONS
  conversations[id].ask(message["content"], reply)
end.run
