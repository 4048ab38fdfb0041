"""The daemon: watcher, schedule, workers, control socket. Knows threads, time and signals."""
