import RedisKit
import Testing

struct ConfigurationTests {
    @Test func `a full URL gives every part, decoded`() throws {
        let configuration = try RedisConfiguration(url: "redis://app:p%40ss@cache.internal:7000/5")
        #expect(configuration.host == "cache.internal")
        #expect(configuration.port == 7000)
        #expect(configuration.user == "app")
        #expect(configuration.password == "p@ss")
        #expect(configuration.database == 5)
    }

    @Test func `a short URL gets the usual port and database`() throws {
        let configuration = try RedisConfiguration(url: "redis://localhost")
        #expect(configuration.port == 6379)
        #expect(configuration.database == 0)
        #expect(configuration.password == nil)
        #expect(try RedisConfiguration(url: "redis://[::1]:6380/1").host == "::1")
    }

    @Test(arguments: [
        "", "localhost", "http://localhost", "rediss://localhost", "redis://", "redis://host/x",
        "redis://host:0", "redis://host:99999", "redis://user@host", "redis://host/-1",
    ])
    func `a URL that cannot be meant is refused`(url: String) {
        let error = #expect(throws: RedisError.self) { try RedisConfiguration(url: url) }
        #expect(error?.code == .invalidConfiguration)
    }
}
