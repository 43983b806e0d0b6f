# One connection to OwnWire's internal WebSocket that carries the texts of all sessions, and comes back when it was lost.
require "eventmachine"
require "faye/websocket"
require "json"
require "optparse"
require "time"

module InternalWs
  FIRST_DELAY_S = 0.25
  LONGEST_DELAY_S = 10.0
  MOST_KEPT_REPLIES = 1000

  def self.log(text)
    warn("#{Time.now.utc.iso8601(3)} #{text}")
  end

  # What a file with a secret holds. Ends the program when there is nothing.
  def self.read_secret(path)
    secret = File.read(path).strip
    secret.empty? ? abort("#{path} is empty") : secret
  rescue SystemCallError => e
    abort(e.message)
  end

  # The flags that every client has; the block adds its own. Returns {"url" => ..., ...}.
  def self.flags(defaults = {})
    values = { "url" => "ws://127.0.0.1:8081/ws", "internal-token-file" => nil }.merge(defaults)
    OptionParser.new do |parser|
      parser.on("--url URL", "internal WebSocket (#{values["url"]})")
      parser.on("--internal-token-file FILE", "the gateway's token, where it wants one")
      yield parser if block_given?
    end.parse!(into: into = {})
    values.merge(into.transform_keys(&:to_s))
  rescue OptionParser::ParseError => e
    warn("#{e.message}; --help shows all flags")
    exit(2)
  end

  # Calls its block with each text of a user, message = {"content", "session_id", "metadata"?}, and with reply, which
  # sends a text to that session: as often as wanted, also later, in the thread of the event loop.
  class Client
    def initialize(url, token_file, &answer)
      @url = url
      @headers = token_file ? { "Authorization" => "Bearer #{InternalWs.read_secret(token_file)}" } : {}
      @answer = answer
      @delay = FIRST_DELAY_S
      @kept = [] # replies made while there is no connection
      @open = false
    end

    # Until the process is told to end.
    def run
      EM.run do
        %w[INT TERM].each { |signal| trap(signal) { @stopping = true } }
        EM.add_periodic_timer(0.1) { stop if @stopping } # a trap may not touch the event loop
        connect
      end
    end

    private

    def connect
      @socket = Faye::WebSocket::Client.new(@url, nil, headers: @headers)
      @socket.on(:open) { opened }
      @socket.on(:message) { |event| text(event.data) } # pings are answered by the library
      @socket.on(:error) { |event| InternalWs.log("error: #{event.message}") } # a close follows
      @socket.on(:close) { |event| closed(event) }
    end

    def opened
      InternalWs.log("connected to #{@url}")
      @open = true
      @delay = FIRST_DELAY_S
      @socket.send(@kept.shift) until @kept.empty?
    end

    def closed(event)
      InternalWs.log("closed: code #{event.code}, reason \"#{event.reason}\"")
      @open = false
      return EM.stop if @stopping

      EM.add_timer(@delay * rand(0.5..1.0)) { connect }
      @delay = [@delay * 2, LONGEST_DELAY_S].min
    end

    def text(data)
      message = JSON.parse(data)
      if message["content"].to_s.empty?
        return InternalWs.log("session #{message["session_id"]}: empty content, ignored")
      end

      # The same session and metadata, another content: that is a reply.
      @answer.call(message, ->(content) { send(message.merge("content" => content).to_json) })
    rescue StandardError => e
      InternalWs.log("a message could not be answered: #{e.message}")
    end

    def send(frame)
      return @socket.send(frame) if @open

      @kept.push(frame)
      return if @kept.size <= MOST_KEPT_REPLIES

      @kept.shift
      InternalWs.log("too many replies wait for a connection: the oldest is lost")
    end

    def stop
      return if @said_goodbye
      return EM.stop unless @open

      @said_goodbye = true
      @socket.close(1000, "client ends")
      EM.add_timer(2) { EM.stop }
    end
  end
end
