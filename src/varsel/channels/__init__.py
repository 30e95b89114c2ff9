"""Providers of e-mail and SMS behind one protocol. This room reaches the provider and decides nothing."""
