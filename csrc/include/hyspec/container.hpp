// The whole container (docs/container_format.md): header, chunks, index, writer.
#pragma once

#include "hyspec/checksum.hpp"
#include "hyspec/chunk.hpp"
#include "hyspec/stream_header.hpp"
#include "hyspec/stream_index.hpp"
#include "hyspec/stream_writer.hpp"
