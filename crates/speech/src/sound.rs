//! How alike two texts sound.
