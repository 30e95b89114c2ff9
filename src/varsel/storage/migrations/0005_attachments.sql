-- E-mails with attachments: what the sandbox shows of them.

ALTER TABLE sandbox_messages ADD COLUMN attachments json;  -- [filename, MIME type, bytes] of each; NULL: none
