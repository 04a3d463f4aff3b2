"""Reception's work list: steps, attention, timers, filters, search and cautions. Pure."""
