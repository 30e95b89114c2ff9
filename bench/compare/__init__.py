"""Send the same requests to two services and report where their answers differ.

    examples     one valid request of every endpoint
    mutations    seeded changes of them: members, values, headers, paths, single bytes
    values       what is put in the place of valid values
    exchange     one HTTP/1.1 request and its answer, with nothing tidied up on the way
    normal       answers without what always differs: ids, instants near now, base addresses
    report       differences grouped by kind, each with its smallest example
    run          cases in, report out

Run by `make compare LEFT=http://… RIGHT=http://…`; docs/compare.md says how.
"""
