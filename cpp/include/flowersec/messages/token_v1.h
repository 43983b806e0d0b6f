// Messages of flowersec.token.v1: the token's payload and the key files.
// Layer messages. The types are generated from idl/flowersec/token/v1.
#pragma once

#include "flowersec/token/v1/types.gen.h"
