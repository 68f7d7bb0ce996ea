using System.Net;
using System.Net.Http.Json;
using AutoProg.Ort.Data;
using AutoProg.Ort.Diffusion;
using AutoProg.Ort.Training;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace TrainAndServe.Tests;

/// <summary>The sample from its command line to its answers.</summary>
public sealed class ServiceTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly string output = Directory.CreateTempSubdirectory("autoprog-serve-").FullName;

    public void Dispose() => Directory.Delete(output, recursive: true);

    [Fact]
    public async Task Models_are_trained_and_swapped_while_requests_are_answered()
    {
        await using var service = Service.Create(["--port", "0", "--output", output, "--rounds", "2"]);
        await service.StartAsync();
        using var client = ClientOf(service);
        Assert.Equal("127.0.0.1", client.BaseAddress!.Host);
        var (images, files) = Images(seed: 2);

        // Asked all the time, from no model to the second one: no request may fail when another takes the place of the one that answers it.
        using var patience = new CancellationTokenSource(Patience);
        var seen = new List<string?>();
        while (seen.LastOrDefault() != "round-2")
        {
            var answers = await Task.WhenAll(files.Take(4).Select(file => AskAsync(client, file, patience.Token)));
            seen.AddRange(answers.Select(static answer => answer?.Version).Where(version => !seen.Contains(version)).Distinct());
        }

        Assert.Equal([null, "round-1", "round-2"], seen);
        Assert.Equal("round-2", (await client.GetFromJsonAsync<ServedVersion>("/model", patience.Token))!.Version);

        // The endpoint sees images as the evaluation has seen them.
        using var model = TrainedModel.Open(Path.Combine(output, "round-2"));
        var expected = ModelEvaluation.Run(model)[0];
        var right = 0;
        for (var i = 0; i < images.Count; i++)
        {
            var answer = (await AskAsync(client, files[i], patience.Token))!;
            Assert.Equal(1, answer.Probabilities.Values.Sum(), 1e-5);
            right += answer.Class == images.ClassNames[images.LabelOf(i)] ? 1 : 0;
        }

        Assert.Equal(expected.Top1!.Value, 100.0 * right / images.Count, 1e-9);
        await service.StopAsync(patience.Token);
    }

    [Fact]
    public async Task What_is_no_image_gets_400_and_what_is_too_long_413()
    {
        await using var service = Service.Create(["--port", "0", "--output", output, "--rounds", "1"]);
        await service.StartAsync();
        using var client = ClientOf(service);
        using var patience = new CancellationTokenSource(Patience);
        while ((await client.GetAsync("/model", patience.Token)).StatusCode != HttpStatusCode.OK)
        {
        }

        using var text = await client.PostAsync("/classify", new StringContent("no image"), patience.Token);
        using var question = new HttpRequestMessage(HttpMethod.Post, "/classify") { Content = new ByteArrayContent(new byte[(10 << 20) + 1]) };
        question.Headers.ExpectContinue = true; // so that the answer is heard before all of it is sent
        using var tooLong = await client.SendAsync(question, patience.Token);

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.RequestEntityTooLarge), (text.StatusCode, tooLong.StatusCode));
        await service.StopAsync(patience.Token);
    }

    [Fact]
    public async Task A_service_that_is_stopped_leaves_a_run_that_can_go_on()
    {
        await using var service = Service.Create(["--port", "0", "--output", output, "--rounds", "1000"]);
        await service.StartAsync();
        using var client = ClientOf(service);
        using var patience = new CancellationTokenSource(Patience);
        var second = Path.Combine(output, "round-2");
        while (!Directory.Exists(Path.Combine(second, "checkpoints")))
        {
            using var answer = await client.GetAsync("/model", patience.Token);
        }

        await service.StopAsync(patience.Token);

        Assert.Equal(4 * 640 / 32, ProgressiveTrainer.Resume(second).Steps);
    }

    private static HttpClient ClientOf(WebApplication service) =>
        new() { BaseAddress = new Uri(service.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()), Timeout = Patience };

    /// <summary>Null as long as there is no model.</summary>
    private static async Task<Classification?> AskAsync(HttpClient client, byte[] file, CancellationToken cancellationToken)
    {
        using var answer = await client.PostAsync("/classify", new ByteArrayContent(file), cancellationToken);
        if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
        {
            return null;
        }

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadFromJsonAsync<Classification>(cancellationToken);
    }

    /// <summary>The evaluation images of a round, drawn at the size that evaluation asks for, as PNG files.</summary>
    private static (IImageDataset Images, byte[][] Files) Images(long seed)
    {
        var recipe = TrainingService.RecipeOf(seed, weights: null);
        var images = ImageDatasets.Open(recipe.Data, recipe.Seed, CancellationToken.None).Val;
        return (images, [.. Enumerable.Range(0, images.Count).Select(i =>
        {
            using var image = images.Load(i, 2 * (int)(recipe.Model.ImgSize!.Value / recipe.Augmentation.CropPct));
            return SampleImages.ToPng(image);
        })]);
    }
}
