// Messages of flowersec.controlplane.v1: what an issuer hands to each end of a channel.
// Layer messages. The types are generated from idl/flowersec/controlplane/v1.
#pragma once

#include "flowersec/controlplane/v1/types.gen.h"
