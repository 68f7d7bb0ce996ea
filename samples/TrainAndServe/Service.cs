using System.Net;
using AutoProg.Ort.Data;

namespace TrainAndServe;

/// <summary>The web service: <c>dotnet run -- --port 5080 --output runs --rounds 3</c>.</summary>
internal static class Service
{
    private const int LargestImage = 10 << 20;

    /// <summary>Puts the parts together; nothing runs yet.</summary>
    public static WebApplication Create(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        var settings = builder.Configuration;

        // Nobody but this machine may ask: there is neither encryption nor a login.
        builder.WebHost.ConfigureKestrel(server =>
        {
            server.Listen(IPAddress.Loopback, settings.GetValue("port", 5080));
            server.Limits.MaxRequestBodySize = LargestImage;
            server.Limits.MaxConcurrentConnections = 8; // the largest image that is accepted takes half a GiB while it is decoded
        });
        builder.Services.AddAutoProg(options => options with { Output = settings.GetValue("output", "runs"), Overwrite = true });
        builder.Services.AddSingleton<LiveModel>();
        builder.Services.AddHostedService<TrainingService>();
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = TimeSpan.FromMinutes(1)); // the step in progress is finished and saved

        var service = builder.Build();
        service.MapGet("/model", static (LiveModel live) => live.Version is { } version ? Results.Ok(new ServedVersion(version)) : NotYet());
        service.MapPost("/classify", ClassifyAsync);
        return service;
    }

    private static async Task<IResult> ClassifyAsync(HttpRequest request, LiveModel live, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellationToken);
        using var model = live.Borrow();
        if (model is null)
        {
            return NotYet();
        }

        try
        {
            var classes = model.Classifier.Classify(body.GetBuffer().AsSpan(0, (int)body.Length));
            return Results.Ok(new Classification(model.Version, classes[0].Name, classes.ToDictionary(static c => c.Name, static c => c.Probability)));
        }
        catch (ImageUnreadableException error)
        {
            return Results.Problem(error.Message, statusCode: StatusCodes.Status400BadRequest);
        }
    }

    private static IResult NotYet() => Results.Problem("No model has been trained yet; ask again in a moment.", statusCode: StatusCodes.Status503ServiceUnavailable);
}

/// <summary>Answer of <c>GET /model</c>.</summary>
internal sealed record ServedVersion(string Version);

/// <summary>Answer of <c>POST /classify</c>.</summary>
/// <param name="Version">Which model has judged.</param>
/// <param name="Class">The most probable class.</param>
/// <param name="Probabilities">Of every class.</param>
internal sealed record Classification(string Version, string Class, IReadOnlyDictionary<string, double> Probabilities);
