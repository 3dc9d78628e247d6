/// libFuzzer's own loop, with the program's arguments.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The program's entry, by the name that the package manager links it with: compiled for libFuzzer,
/// Swift writes none.
@_cdecl("event_fuzz_main")
package func main(
    _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> CInt {
    var (count, arguments) = (count, arguments)
    return runFuzzer(&count, &arguments) { data, size in
        EventFuzz.run(Array(UnsafeBufferPointer(start: data, count: size)))
        return 0
    }
}
