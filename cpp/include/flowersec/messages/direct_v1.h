// Messages of flowersec.direct.v1: how a client reaches an endpoint without a tunnel.
// Layer messages. The types are generated from idl/flowersec/direct/v1.
#pragma once

#include "flowersec/direct/v1/types.gen.h"
