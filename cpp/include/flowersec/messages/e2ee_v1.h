// Messages of flowersec.e2ee.v1: the JSON payloads of the three handshake frames.
// Layer messages. The types are generated from idl/flowersec/e2ee/v1.
#pragma once

#include "flowersec/e2ee/v1/types.gen.h"
