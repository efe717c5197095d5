"""What touches the world: PostgreSQL, notices, the platform's services, other cases."""
