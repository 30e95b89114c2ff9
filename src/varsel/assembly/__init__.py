"""The one place where parts are joined: settings in, a running service out.

options     settings → what each room wants to know
providers   settings → channels, credentials
directories settings → who is asked for persons and organisations, sparingly
outgoing    settings → guarded calls to addresses that callers chose
attachments the e-mail channel, with files fetched by such calls
database    the embedded server or the one given, a pool on it, the schema
interface   parts → the application that answers requests
http_server the application → a server on a socket
leftovers   what development leaves behind, and production refuses
service     everything together: API, workers, signals
doctor      the same parts, looked at instead of run
"""

from varsel.assembly.database import migrate
from varsel.assembly.doctor import doctor
from varsel.assembly.service import serve

__all__ = ["doctor", "migrate", "serve"]
