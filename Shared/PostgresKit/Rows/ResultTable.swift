internal import CLibpq
import Glibc

/// What a statement answered; owns libpq's result, which never changes after it was read.
@safe final class ResultTable: @unchecked Sendable {
    private let result: OpaquePointer
    let rowCount: Int
    let columnCount: Int

    @unsafe init(_ result: OpaquePointer) {
        unsafe self.result = result
        rowCount = Int(unsafe PQntuples(result))
        columnCount = Int(unsafe PQnfields(result))
    }

    deinit { unsafe PQclear(result) }

    /// What kind of answer it is.
    enum Status { case rows, command, copyIn, synced, skipped, failed }

    var status: Status {
        switch unsafe PQresultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_SINGLE_TUPLE: .rows
        case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: .command
        case PGRES_COPY_IN: .copyIn
        case PGRES_PIPELINE_SYNC: .synced
        case PGRES_PIPELINE_ABORTED: .skipped
        default: .failed
        }
    }

    /// What the server said, when `status` is `failed`.
    var failure: ServerDetails {
        // The letters are libpq's PG_DIAG_… codes.
        var details = ServerDetails(
            sqlState: field("C") ?? "08006",
            message: field("M")
                ?? (unsafe PQresultErrorMessage(result).map { unsafe String(cString: $0) } ?? ""))
        details.severity = field("V") ?? ""
        details.detail = field("D")
        details.hint = field("H")
        details.context = field("W")
        details.constraint = field("n")
        return details
    }

    private func field(_ code: Unicode.Scalar) -> String? {
        unsafe PQresultErrorField(result, Int32(code.value)).map { unsafe String(cString: $0) }
    }

    var rows: [Row] {
        var rows: [Row] = []
        rows.reserveCapacity(rowCount)
        for index in 0..<rowCount { rows.append(Row(table: self, index: index)) }
        return rows
    }

    /// How many rows the command touched; 0 when its tag has no number.
    var affectedRows: Int {
        unsafe PQcmdTuples(result).flatMap { unsafe Int(String(cString: $0)) } ?? 0
    }

    /// The command tag (`INSERT 0 1`, `ROLLBACK`).
    var commandTag: String {
        unsafe PQcmdStatus(result).map { unsafe String(cString: $0) } ?? ""
    }

    /// The index of a column; the first of that name, upper and lower case differ.
    func column(named name: String) -> Int? {
        for index in 0..<columnCount {
            guard let other = unsafe PQfname(result, Int32(index)) else { continue }
            if unsafe name.withCString({ unsafe strcmp($0, other) }) == 0 { return index }
        }
        return nil
    }

    func columnName(_ index: Int) -> String {
        unsafe PQfname(result, Int32(index)).map { unsafe String(cString: $0) } ?? "?"
    }

    /// The field's bytes stay valid as long as the table.
    func value(row: Int, column: Int) -> PostgresValue {
        let (row, column) = (Int32(row), Int32(column))
        let oid = unsafe PQftype(result, column)
        guard unsafe PQgetisnull(result, row, column) == 0,
            let start = unsafe PQgetvalue(result, row, column)
        else { return PostgresValue(bytes: nil, oid: oid) }
        let length = Int(unsafe PQgetlength(result, row, column))
        return unsafe PostgresValue(
            bytes: UnsafeRawBufferPointer(start: start, count: length), oid: oid)
    }
}
