//! Real binlogs, decoded whole.
