#include "csimdjson.h"

#include <simdjson.h>

namespace {

// The caller enforces its own, lower depth; this one only bounds the work.
constexpr size_t maximum_depth = 256;
// A parser keeps about nine times its capacity; larger documents get one of their own.
constexpr size_t kept_capacity = size_t(1) << 18;

csimdjson_verdict verdict(simdjson::error_code error, const uint8_t *bytes, size_t length) {
    switch (error) {
    case simdjson::SUCCESS:
        return CSIMDJSON_VALID;
    case simdjson::NUMBER_ERROR:
        return simdjson::validate_utf8(reinterpret_cast<const char *>(bytes), length)
            ? CSIMDJSON_NUMBER_OUT_OF_RANGE : CSIMDJSON_INVALID_UTF8;
    case simdjson::UTF8_ERROR:
        return CSIMDJSON_INVALID_UTF8;
    case simdjson::MEMALLOC:
        return CSIMDJSON_OUT_OF_MEMORY;
    default:
        return CSIMDJSON_INVALID;
    }
}

csimdjson_verdict parse(simdjson::dom::parser &parser, const uint8_t *bytes, size_t length) {
    if (parser.capacity() < length || parser.max_depth() != maximum_depth) {
        auto error = parser.allocate(length < 4096 ? 4096 : length, maximum_depth);
        if (error) { return verdict(error, bytes, length); }
    }
    // The last argument lets simdjson copy: it reads past the end, and our bytes are not padded.
    return verdict(parser.parse(bytes, length, true).error(), bytes, length);
}

}

extern "C" csimdjson_verdict csimdjson_validate(const uint8_t *bytes, size_t length) {
    try {
        if (length > kept_capacity) {
            simdjson::dom::parser parser;
            return parse(parser, bytes, length);
        }
        thread_local simdjson::dom::parser parser;
        return parse(parser, bytes, length);
    } catch (...) {
        return CSIMDJSON_OUT_OF_MEMORY;
    }
}

extern "C" csimdjson_verdict csimdjson_validate_text(const uint8_t *bytes, size_t length) {
    return simdjson::validate_utf8(reinterpret_cast<const char *>(bytes), length)
        ? CSIMDJSON_VALID : CSIMDJSON_INVALID_UTF8;
}
