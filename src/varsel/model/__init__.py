"""The words every room shares: frozen values and the state tables. No room's logic lives here."""
