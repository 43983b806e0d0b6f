// The multiplexer of hashicorp, driven by the lines that yamux-peer knows (README.md).
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go build main.go
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

// stalling is a connection from which nothing is read any more once stop is closed.
type stalling struct {
	net.Conn
	stop chan struct{}
	gone chan struct{}
	once sync.Once
}

func (s *stalling) Read(b []byte) (int, error) {
	select {
	case <-s.stop:
		<-s.gone
		return 0, io.EOF
	default:
		return s.Conn.Read(b)
	}
}

func (s *stalling) Close() error {
	s.once.Do(func() { close(s.gone) })
	return s.Conn.Close()
}

// stream counts where it is, for the pattern that both sides know.
type stream struct {
	*yamux.Stream
	readAt, writeAt uint64
}

func pattern(id uint32, at uint64) byte {
	return byte(at*31 + (at>>8)*7 + uint64(id)*13)
}

var (
	out     sync.Mutex
	session *yamux.Session
	conn    *stalling
	streams sync.Map // name -> *stream
)

func say(number string, words ...interface{}) {
	out.Lock()
	defer out.Unlock()
	fmt.Println(append([]interface{}{number}, words...)...)
}

// word names an error as the table of outcomes does.
func word(err error) string {
	return strings.ReplaceAll(err.Error(), " ", "_")
}

func answer(number string, err error) {
	if err != nil {
		say(number, "error", word(err))
	} else {
		say(number, "ok")
	}
}

func start(number string, words []string) {
	config := yamux.DefaultConfig()
	config.EnableKeepAlive = false
	config.LogOutput = io.Discard
	port := ""
	for _, each := range words[2:] {
		parts := strings.SplitN(each, "=", 2)
		value, _ := strconv.Atoi(parts[1])
		switch parts[0] {
		case "to":
			port = parts[1]
		case "backlog":
			config.AcceptBacklog = value
		case "window":
			config.MaxStreamWindowSize = uint32(value)
		case "keep_alive_ms":
			config.EnableKeepAlive = true
			config.KeepAliveInterval = time.Duration(value) * time.Millisecond
		case "write_timeout_ms":
			config.ConnectionWriteTimeout = time.Duration(value) * time.Millisecond
		}
	}
	if session != nil {
		session.Close()
	}
	streams = sync.Map{}
	dialled, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err == nil {
		conn = &stalling{Conn: dialled, stop: make(chan struct{}), gone: make(chan struct{})}
		make := yamux.Server
		if words[1] == "client" {
			make = yamux.Client
		}
		session, err = make(conn, config)
	}
	answer(number, err)
}

func named(number, name string, made *yamux.Stream, err error) {
	if err != nil {
		answer(number, err)
		return
	}
	streams.Store(name, &stream{Stream: made})
	say(number, "id", made.StreamID())
}

// read compares what comes with the pattern, up to a number of bytes or to the end.
func (s *stream) read(number, most string) {
	left, err := strconv.ParseUint(most, 10, 64)
	toTheEnd := err != nil
	room := make([]byte, 65536)
	var total uint64
	for toTheEnd || left > 0 {
		part := room
		if !toTheEnd && left < uint64(len(part)) {
			part = part[:left]
		}
		n, err := s.Read(part)
		for _, got := range part[:n] {
			if got != pattern(s.StreamID(), s.readAt) {
				say(number, "differs", s.readAt)
				return
			}
			s.readAt++
		}
		total += uint64(n)
		left -= uint64(n)
		if err == io.EOF {
			say(number, "end", total)
			return
		}
		if err != nil {
			answer(number, err)
			return
		}
	}
	say(number, "ok")
}

func (s *stream) write(number string, count int) {
	bytes := make([]byte, count)
	for i := range bytes {
		bytes[i] = pattern(s.StreamID(), s.writeAt)
		s.writeAt++
	}
	_, err := s.Write(bytes)
	answer(number, err)
}

func echo(s *yamux.Stream) (int64, error) {
	total, err := io.Copy(struct{ io.Writer }{s}, struct{ io.Reader }{s})
	if err == nil {
		err = s.Close()
	}
	return total, err
}

func obey(number string, words []string) {
	// Streams of a word that needs one; in the order of the lines.
	var s *stream
	if len(words) > 1 {
		if found, ok := streams.Load(words[1]); ok {
			s = found.(*stream)
		}
	}
	now := session
	switch words[0] {
	case "session":
		start(number, words)
	case "open":
		made, err := now.OpenStream()
		named(number, words[1], made, err)
	case "accept":
		go func() {
			made, err := now.AcceptStream()
			named(number, words[1], made, err)
		}()
	case "serve":
		go func() {
			for {
				made, err := now.AcceptStream()
				if err != nil {
					return
				}
				go echo(made)
			}
		}()
		say(number, "ok")
	case "write":
		count, _ := strconv.Atoi(words[2])
		go s.write(number, count)
	case "read":
		go s.read(number, words[2])
	case "echo":
		go func() {
			total, err := echo(s.Stream)
			if err != nil {
				answer(number, err)
				return
			}
			say(number, "end", total)
		}()
	case "close":
		answer(number, s.Close())
	case "ping":
		go func() {
			_, err := now.Ping()
			answer(number, err)
		}()
	case "go_away":
		answer(number, now.GoAway())
	case "streams":
		say(number, "count", now.NumStreams())
	case "stall":
		close(conn.stop)
		say(number, "ok")
	case "ended":
		go func() {
			<-now.CloseChan()
			_, err := now.AcceptStream() // says why
			say(number, "why", word(err))
		}()
	case "finish":
		answer(number, now.Close())
	default:
		say(number, "unknown", words[0])
		os.Exit(2)
	}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		obey(words[0], words[1:])
	}
}
