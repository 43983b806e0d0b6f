// What the demo server offers on every session: typed calls, and four kinds of streams.
//
//   rpc         flowersec.demo.v1: ping; a hello notification when the stream opens and before each answer
//   echo        sends back what it reads
//   upload      frame {name, size}, then the bytes; answered by frame {ok, size}. One file per session is kept
//   download    frame {}; answered by frame {ok, name, size}, then the bytes of the file that was uploaded
//   meta_bytes  frame {max_bytes, fill_byte?}; answered by frame {ok, content_len, content_type}, then the bytes
//
// A frame is a JSON frame: four bytes of length, then the text. A refusal is a frame {ok: false, error: {code}}.
#pragma once

#include "flowersec/endpoint/session.h"

namespace demo {

/// The handlers of one session.
flowersec::endpoint::stream_router make_services();

}  // namespace demo
