"""What the platform has decided, as data: policy packs, calendars, and the types that read them."""
