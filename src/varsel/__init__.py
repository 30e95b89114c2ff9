"""Varsel: notification orders over e-mail and SMS, accepted durably, sent once, followed to the end."""

__version__ = "0.1.0"
