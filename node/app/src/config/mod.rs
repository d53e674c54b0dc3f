//! What a node is told: the configuration file, the environment, flags.
