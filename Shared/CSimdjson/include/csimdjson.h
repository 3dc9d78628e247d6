#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What simdjson says about a document.
typedef enum {
    CSIMDJSON_VALID = 0,
    /// Valid but for a number outside 64 bits or the range of a double; UTF-8 was checked.
    CSIMDJSON_NUMBER_OUT_OF_RANGE = 1,
    CSIMDJSON_INVALID = 2,
    CSIMDJSON_INVALID_UTF8 = 3,
    CSIMDJSON_OUT_OF_MEMORY = 4,
} csimdjson_verdict;

/// Parses the whole document, every value in it and its UTF-8, and keeps nothing. Never throws.
csimdjson_verdict csimdjson_validate(const uint8_t *bytes, size_t length);

/// Looks at the UTF-8 only.
csimdjson_verdict csimdjson_validate_text(const uint8_t *bytes, size_t length);

#ifdef __cplusplus
}
#endif
