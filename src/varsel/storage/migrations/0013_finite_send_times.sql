-- Orders for the last microsecond of the year 9999 were stored with the time infinity, which could not be read back.
-- They wait, so they are found among the few rows of orders_due.
UPDATE orders
SET requested_send_time = '9999-12-31 23:59:59.999998+00', due = '9999-12-31 23:59:59.999998+00'
WHERE queue IN (0, 1, 2) AND due = 'infinity';
