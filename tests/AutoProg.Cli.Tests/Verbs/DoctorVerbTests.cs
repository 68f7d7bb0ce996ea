namespace AutoProg.Cli.Tests.Verbs;

public sealed class DoctorVerbTests
{
    [Fact]
    public void The_self_test_trains_a_step()
    {
        var answer = Autoprog.Run("doctor", "--json");

        Assert.Equal((0, ""), (answer.Code, answer.Messages));
        Assert.True(answer.Json.GetProperty("self_test").GetProperty("passed").GetBoolean());
        Assert.InRange(answer.Json.GetProperty("self_test").GetProperty("loss").GetDouble(), 0.1, 10);
        Assert.Equal("cpu", answer.Json.GetProperty("devices").EnumerateArray().Last().GetString());
        Assert.Equal(Environment.ProcessorCount, answer.Json.GetProperty("threads").GetInt32());
    }

    [Fact]
    public void People_read_a_list()
    {
        var answer = Autoprog.Run("doctor");

        Assert.Equal(0, answer.Code);
        foreach (var name in new[] { "autoprog", "ONNX Runtime", "providers", "devices", "processor", "threads", "SIMD", "memory", "self-test     passed" })
        {
            Assert.Matches($"(?m)^{name} ", answer.Results.Replace("passed:", "passed "));
        }
    }
}
