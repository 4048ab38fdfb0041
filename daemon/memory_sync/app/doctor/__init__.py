"""What `memory-sync doctor` looks at: each check alone, in bounded time, changing nothing."""
